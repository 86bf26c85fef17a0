"""What all web pages share: look, words for errors, security headers, and the login.

`install` makes a Flask application one of ours; `appliance.faces.login` adds people who log in.
"""
