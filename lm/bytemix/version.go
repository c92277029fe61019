package bytemix

// Version names the algorithm: it changes whenever any log-probability could
// change, so that fingerprints can cover models that are not trained yet.
const Version = version
