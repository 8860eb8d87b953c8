"""Networks as pure functions of one seed's parameters, for the engine to map over seeds."""
