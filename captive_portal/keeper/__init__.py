"""The keeper: one process that compares gate and grants, counts, ends what is over, and answers the office."""
