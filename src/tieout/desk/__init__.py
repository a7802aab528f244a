"""The exception queue: what is held, why, who must act, and what people decided. It changes state, it calls no step."""
