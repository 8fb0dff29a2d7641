package bec

import "edgecloud/cloud/compute"

// stateWord is what a state is called on the wire.
type stateWord struct{ v1, v2 string }

// stateWords maps every state of an instance.
//
// API 1.0 has CREATING RUNNING STOPPING STOPPED RESTARTING REINSTALLING STARTING IMAGING SNAPSHOTING FAILED UNKNOWN (conventions, section 8; NOTES, "The model").
// API 2.0's table has Starting Running Stopping Stopped Restarting Reinstalling Deleting ... in mixed case, but both of its examples show RUNNING and FAILED: the
// wire wins over the table, so that 2.0 answers upper case too. It has no word for creating, which is the first start. Neither version has a word for a change of
// shape or of the login: both restart the machine (console guide, lines 1652 and 1729), so that they show as what people see happen. An instance that is off and
// being changed shows as stopped, since that is what it is and stays. 1.0's enumeration
// has no word for deleting either: such an instance is STOPPING until it is gone.
var stateWords = map[compute.State]stateWord{
	compute.Creating:          {"CREATING", "STARTING"},
	compute.Starting:          {"STARTING", "STARTING"},
	compute.Running:           {"RUNNING", "RUNNING"},
	compute.Stopping:          {"STOPPING", "STOPPING"},
	compute.Stopped:           {"STOPPED", "STOPPED"},
	compute.Restarting:        {"RESTARTING", "RESTARTING"},
	compute.ReinstallStopping: {"REINSTALLING", "REINSTALLING"},
	compute.ReinstallDisks:    {"REINSTALLING", "REINSTALLING"},
	compute.ReinstallStarting: {"REINSTALLING", "REINSTALLING"},
	compute.ResizeStopping:    {"RESTARTING", "RESTARTING"},
	compute.ResizeStarting:    {"RESTARTING", "RESTARTING"},
	compute.Amending:          {"STOPPED", "STOPPED"},
	compute.Rewiring:          {"RUNNING", "RUNNING"},
	compute.Password:          {"RESTARTING", "RESTARTING"},
	compute.Imaging:           {"IMAGING", "IMAGEPROCESSING"},
	compute.Snapshotting:      {"SNAPSHOTING", "SNAPSHOTPROCESSING"},
	compute.RollingBack:       {"SNAPSHOTING", "SNAPSHOTPROCESSING"}, // neither version has a word of its own for it
	compute.Deleting:          {"STOPPING", "DELETING"},
	compute.Failed:            {"FAILED", "FAILED"},
}

// v1State is a state's word in API 1.0; one without a word is UNKNOWN.
func v1State(s compute.State) string {
	if w, ok := stateWords[s]; ok {
		return w.v1
	}
	return "UNKNOWN"
}

// v2State is a state's word in API 2.0; one without a word is ERROR.
func v2State(s compute.State) string {
	if w, ok := stateWords[s]; ok {
		return w.v2
	}
	return "ERROR"
}

// v1States gives the states that a 1.0 word stands for, for filters. An unknown word stands for none.
func v1States(word string) []compute.State {
	var states []compute.State
	for s, w := range stateWords {
		if w.v1 == word {
			states = append(states, s)
		}
	}
	return states
}

// serviceStatus is a service's word in both versions: NORMAL or FAILED (conventions, section 8). The document does not say when a service has failed: here, when
// one of its instances has.
func serviceStatus(g *compute.GroupView) string {
	for _, i := range g.Instances {
		if i.State == compute.Failed {
			return "FAILED"
		}
	}
	return "NORMAL"
}

// storageWords are IEC's kinds of disks in BEC's words; other kinds were named in them.
var storageWords = map[string]string{"SAS": "CDS_HDD", "GPSSD": "CDS_SSD", "SSD": "CDS_SSD"}

func storageWord(kind string) *string {
	if word := storageWords[kind]; word != "" {
		return &word
	}
	return &kind
}
