"""What both doors for people and programs share: who asks, what they may see, limits, refusals."""
