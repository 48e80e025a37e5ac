"""What a run is: it opens, plans, sends (or reads evidence back), has the suite judge, and ends in one record."""
