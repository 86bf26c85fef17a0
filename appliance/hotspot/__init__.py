"""What the village office may ask of the hotspot, typed; asked over a local socket, answered by the portal's keeper."""
