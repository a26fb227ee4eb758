"""The processes of the scenarios: clients, hubs, drivers, peers. Each measures or serves; none judges."""
