"""The enrolment service: claim codes and old certificates become new certificates; the authority's key is its alone.

::

    wire (HTTPS)  ->  desk (who gets what)  ->  rules (pure) and ledger (SQLite)
    revoking  ->  the list of revoked certificates  ->  door (does the broker hold to it?)
"""
