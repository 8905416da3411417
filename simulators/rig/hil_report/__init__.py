"""What remains of a run on the rig: results, samples, JUnit XML and one page of HTML."""
