"""8,981 icons with names and tags, dated by first release, in `icons.npz`.

They come from Material Design Icons (Apache-2.0) and Lucide (ISC, in part MIT).
"""
