"""Stack frames of minified scripts, mapped back to their sources: intake-to-documents.md 5.2."""
