"""The watch: follows what the NOC's store gets, judges hubs, keeps the fleet book, calls the alarms."""
