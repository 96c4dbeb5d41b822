"""Model files: which ones there are, where their bytes may come from, and how they are proved to be the right ones."""
