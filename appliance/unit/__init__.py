"""What a program needs to be a unit of systemd: tell how it is, and serve on the sockets it is given."""
