"""What belongs to the workspace itself: experiments, views, comparisons, secrets, who is told of what."""
