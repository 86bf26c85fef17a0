"""The operator: root for a moment, to carry out what the NOC signed for this hub, and nothing else.

The agent brings messages and is not trusted: signature, hub, counter and end are judged here.
"""
