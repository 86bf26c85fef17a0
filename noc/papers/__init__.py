"""What leaves the NOC on paper or as a table: the SLA of a month, per hub and for an area."""
