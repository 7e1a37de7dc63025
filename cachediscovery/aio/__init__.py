"""The cached client, its watch and the REST mapper for asyncio programs."""
