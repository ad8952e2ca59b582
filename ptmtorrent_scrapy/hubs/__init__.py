"""What the objects and pages of single hubs say."""
