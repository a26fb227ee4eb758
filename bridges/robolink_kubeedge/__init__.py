"""KubeEdge bridge: the mapper between edgecore's DMI and the hub. A client on the client SDK, nothing more."""
