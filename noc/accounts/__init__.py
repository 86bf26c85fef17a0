"""What the NOC adds to accounts: the areas an account is bound to. Beside the shared `appliance.store.accounts`."""
