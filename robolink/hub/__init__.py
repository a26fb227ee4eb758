"""The hub process of a site: lanes in, core rules, store out. Robots and clients connect to it, never to each other."""
