// A client on gorilla/websocket, for tests. Its messages are structs without omitempty, so that what is not set goes
// out as null or empty. It prints each message that comes, one a line.
//
//	client URL AUTHORIZATION SOUND MODEL FORMAT PAUSE_MS
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/gorilla/websocket"
)

type header struct {
	Action     string            `json:"action"`
	TaskID     string            `json:"task_id"`
	Streaming  string            `json:"streaming"`
	Event      string            `json:"event"`
	Attributes map[string]string `json:"attributes"`
}

type parameters struct {
	Format       string   `json:"format"`
	SampleRate   int      `json:"sample_rate"`
	VocabularyID string   `json:"vocabulary_id"`
	Disfluency   bool     `json:"disfluency_removal_enabled"`
	Hints        []string `json:"language_hints"`
}

type word struct {
	BeginTime   int64  `json:"begin_time"`
	EndTime     *int64 `json:"end_time"`
	Text        string `json:"text"`
	Punctuation string `json:"punctuation"`
}

type sentence struct {
	BeginTime int64  `json:"begin_time"`
	EndTime   *int64 `json:"end_time"`
	Text      string `json:"text"`
	Words     []word `json:"words"`
}

type output struct {
	Sentence sentence    `json:"sentence"`
	Usage    interface{} `json:"usage"`
}

type payload struct {
	TaskGroup  string              `json:"task_group"`
	Task       string              `json:"task"`
	Function   string              `json:"function"`
	Model      string              `json:"model"`
	Parameters parameters          `json:"parameters"`
	Resources  []map[string]string `json:"resources"`
	Input      struct{}            `json:"input"`
	Output     output              `json:"output"`
}

type message struct {
	Header  header  `json:"header"`
	Payload payload `json:"payload"`
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func hear(socket *websocket.Conn) message {
	_, data, err := socket.ReadMessage()
	must(err)
	var heard message
	must(json.Unmarshal(data, &heard))
	fmt.Println(string(data))
	return heard
}

func main() {
	url, key, path, model, format := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]
	pause, err := strconv.Atoi(os.Args[6])
	must(err)
	socket, _, err := websocket.DefaultDialer.Dial(url, http.Header{"Authorization": {key}})
	must(err)
	defer socket.Close()

	const id = "2bf83b9a-baeb-4fda-8d9a-0123456789ab"
	run := message{Header: header{Action: "run-task", TaskID: id, Streaming: "duplex"}}
	run.Payload = payload{TaskGroup: "audio", Task: "asr", Function: "recognition", Model: model}
	run.Payload.Parameters = parameters{Format: format, SampleRate: 16000}
	must(socket.WriteJSON(run))
	if hear(socket).Header.Event != "task-started" {
		log.Fatal("the task was not started")
	}
	done := make(chan bool)
	go func() {
		for hear(socket).Header.Event == "result-generated" {
		}
		done <- true
	}()
	sound, err := os.ReadFile(path)
	must(err)
	for len(sound) > 0 {
		piece := sound[:min(1024, len(sound))]
		sound = sound[len(piece):]
		must(socket.WriteMessage(websocket.BinaryMessage, piece))
		time.Sleep(time.Duration(pause) * time.Millisecond)
	}
	must(socket.WriteJSON(message{Header: header{Action: "finish-task", TaskID: id, Streaming: "duplex"}}))
	<-done
}

func min(one, other int) int {
	if one < other {
		return one
	}
	return other
}
