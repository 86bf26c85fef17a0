"""Orders to hubs: signed with a key that neither pages nor ingest read, and written down with their answers."""
