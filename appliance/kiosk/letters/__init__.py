"""Letters, from the request to the signed and printed paper."""
