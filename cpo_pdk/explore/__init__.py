"""Search through designs; every point that counts is drawn, checked and computed."""
