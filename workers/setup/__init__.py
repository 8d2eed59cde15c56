"""What a cluster without templates of its own needs for APM data: index templates, roles, and the plan to apply them. Pure."""
