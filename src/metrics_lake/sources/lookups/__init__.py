"""What is looked up for a request: agent, bot, referrer, place."""
