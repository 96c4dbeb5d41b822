"""The figures of the house, measured."""
