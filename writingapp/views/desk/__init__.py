"""The staff's desk: pairs one by one or many at once, statistics, exports, the trail. No page leads to a manuscript."""
