"""What people bring to the inventory by hand or by file: cards of hubs, contacts, names of areas."""
