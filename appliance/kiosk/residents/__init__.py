"""The register of families and residents."""
