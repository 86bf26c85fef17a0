"""The box as one thing: configuration, network, gate, store, kiosk and the desahub command."""
