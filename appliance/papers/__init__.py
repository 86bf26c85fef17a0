"""What letters need of the world outside: a printer, and a signature by electronic certificate."""
