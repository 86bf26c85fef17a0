"""Portal certificates of hubs: a public authority gives them, the NOC proves the names by DNS-01.

A hub's key is made on the hub and stays there; what comes here is its request. Two programs work on it and hand each
other files, each of which has one writer::

    noc.enrolment  ->  portal-requests/HUB.json  ->  this program  ->  answers/HUB.json  ->  noc.enrolment, noc.web
    (knows hubs,       (what a hub asks for,         (knows the DNS    (the chain, or
     judges names)      judged)                       provider)         what is in the way)

``turn`` is one run of it: ``rules`` (pure) say whose turn it is, a `source.CertificateSource` obtains, `spool` keeps.
"""
