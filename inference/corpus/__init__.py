"""The poems of old as an index of their lines: fetched, proved and built once, beside the model files."""
