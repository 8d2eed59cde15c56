"""What `tidegate exposure` knows: rules over settings, facts about machine, store and running instance, and how it is shown."""
