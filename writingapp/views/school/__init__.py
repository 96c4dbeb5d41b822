"""The night school's pages for staff: nights, each run with its curves and its verdict, and the adapters."""
