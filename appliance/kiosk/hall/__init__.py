"""The standing screen in the hall: its waiting page, its end, its voice, and the bell for an officer."""
