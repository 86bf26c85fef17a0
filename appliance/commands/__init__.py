"""Commands of ``desahub`` that belong to the appliance as a whole; `appliance.cli` puts them on the command line."""
