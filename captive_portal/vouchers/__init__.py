"""Vouchers: their codes and keys, what the database knows of them, and how one becomes a grant."""
