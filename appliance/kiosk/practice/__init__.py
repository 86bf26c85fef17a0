"""The practice mode: the same services over a made-up village, for training, in a process of its own."""
