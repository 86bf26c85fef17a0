"""Connection records, where the law asks for them: who connected to which address, when and for how long.

No names, no content. What is written can be read only with a private key that never is on the box.
"""
