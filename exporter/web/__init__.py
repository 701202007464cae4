"""The web layer of both servers: pages, authentication, TLS and the life of the process.

It knows what it serves only through the protocols of :mod:`exporter.web.contract`.
"""
