"""What single messages of an object header say."""
