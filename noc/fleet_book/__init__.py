"""The fleet book: what the NOC knows of its hubs beyond what they say."""
