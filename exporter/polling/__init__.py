"""Ask every endpoint at its pace and keep what the last answers told."""
