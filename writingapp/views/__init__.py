"""Pages: each asks `access` for its rows, `services` for its verbs, and fills a template."""
