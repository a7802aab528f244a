"""Float (float.com), API v3: people, projects, allocations and time off come in, projects and their demand go out."""
