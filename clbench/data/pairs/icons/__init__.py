"""8,981 icons with names and tags, dated by first release: Material Design Icons (Apache-2.0), Lucide (ISC, in part MIT)."""
