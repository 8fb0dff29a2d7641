package adminclient

// command gives an operation of the contract its place on the command line. Arguments are the operation's path parameters, flags its query parameters and the
// members of its body.
type command struct {
	words     string // noun and verb
	operation string
	columns   []string       // of a list, by wire name; none: all that are plain
	fixed     map[string]any // members of the body that the verb says
	wrap      string         // the flags make one entry of this member
}

// on and off are verbs for a switch of a thing.
func on(member string) map[string]any  { return map[string]any{member: true} }
func off(member string) map[string]any { return map[string]any{member: false} }

var commands = []command{
	{words: "account list", operation: "listAccounts"},
	{words: "account get", operation: "getAccount"},
	{words: "account create", operation: "createAccount"},
	{words: "account suspend", operation: "updateAccount", fixed: on("suspended")},
	{words: "account resume", operation: "updateAccount", fixed: off("suspended")},
	{words: "user list", operation: "listUsers"},
	{words: "user create", operation: "createUser"},
	{words: "user update", operation: "updateUser"},
	{words: "user disable", operation: "updateUser", fixed: on("disabled")},
	{words: "user enable", operation: "updateUser", fixed: off("disabled")},
	{words: "key list", operation: "listAccessKeys"},
	{words: "key create", operation: "createAccessKey"},
	{words: "key enable", operation: "updateAccessKey", fixed: on("enabled")},
	{words: "key disable", operation: "updateAccessKey", fixed: off("enabled")},
	{words: "key delete", operation: "deleteAccessKey"},
	{words: "site list", operation: "listSites", columns: []string{"name", "country", "area", "city", "carrier", "enabled", "id"}},
	{words: "site get", operation: "getSite"},
	{words: "site create", operation: "createSite"},
	{words: "site enable", operation: "updateSite", fixed: on("enabled")},
	{words: "site disable", operation: "updateSite", fixed: off("enabled")},
	{words: "line add", operation: "updateSite", wrap: "lines"},
	{words: "host list", operation: "listHosts",
		columns: []string{"name", "site", "online", "enabled", "seen", "usedVcpus", "vcpus", "usedMemoryMiB", "memoryMiB", "usedDiskGiB", "diskGiB", "instances"}},
	{words: "host get", operation: "getHost"},
	{words: "host enrol", operation: "createJoinToken"},
	{words: "host enable", operation: "updateHost", fixed: on("enabled")},
	{words: "host disable", operation: "updateHost", fixed: off("enabled")},
	{words: "host remove", operation: "deleteHost"},
	{words: "flavor list", operation: "listFlavors"},
	{words: "flavor create", operation: "createFlavor"},
	{words: "flavor enable", operation: "updateFlavor", fixed: on("enabled")},
	{words: "flavor disable", operation: "updateFlavor", fixed: off("enabled")},
	{words: "image list", operation: "listImages", columns: []string{"name", "status", "progress", "osType", "minDiskGiB", "bytes", "names", "id"}},
	{words: "image get", operation: "getImage"},
	{words: "image names", operation: "setImageNames"},
	{words: "image delete", operation: "deleteImage"},
	{words: "quota list", operation: "listQuotas"},
	{words: "quota set", operation: "setQuota"},
	{words: "event list", operation: "listEvents", columns: []string{"at", "dialect", "operation", "kind", "target", "result", "source", "accessKey"}},
	{words: "fault list", operation: "listFaults"},
	{words: "fault create", operation: "createFault"},
	{words: "fault delete", operation: "deleteFault"},
	{words: "fault clear", operation: "deleteFaults"},
	{words: "check", operation: "checkConsistency"},
	{words: "health", operation: "getHealth"},
	{words: "ready", operation: "getReadiness"},
}

// Nouns says what each group of commands is about.
var Nouns = map[string]string{
	"account": "Accounts own resources", "user": "Users of an account", "key": "Access keys of a user", "site": "Places with hosts",
	"line": "Carrier lines of a site, with public addresses", "host": "Machines that run workloads", "flavor": "Shapes that can be ordered", "image": "Public images",
	"quota": "Limits of an account", "event": "The audit log", "fault": "Faults of the simulated world (edgecloud up --engine sim)",
}
