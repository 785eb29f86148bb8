// Made by `make types` from openapi.json, which the service writes. Do not edit.

export interface paths {
    "/api/about": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get About
         * @description What the twin is of; the same for as long as the service runs.
         */
        get: operations["get_about_api_about_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/findings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Findings
         * @description Every finding in its last revision, in the order in which they were raised.
         */
        get: operations["get_findings_api_findings_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/findings/{name}/{kind}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Post Action
         * @description Keeps what a person says about a finding; the twin takes it with its next cycle, as it takes readings.
         */
        post: operations["post_action_api_findings__name___kind__post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/geometry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Geometry
         * @description Where everything lies, as a block of numbers; docs/reference/service.md gives their order.
         */
        get: operations["get_geometry_api_geometry_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/ids": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Ids
         * @description Ids of nodes and links, in the order in which geometry and values come.
         */
        get: operations["get_ids_api_ids_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/network": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Network
         * @description Nodes as points and links as lines between them, in the coordinates of the network's file.
         */
        get: operations["get_network_api_network_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/readings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Post Readings
         * @description Takes readings: a JSON list, an Arrow stream or a Parquet file with the columns `sensor,time,value[,unit][,quality]`.
         *
         *     The answer comes after the commit: what it calls stored is on disk. The same (sensor, time, value) again is a duplicate,
         *     acknowledged and not kept twice, so a sender that got no answer sends again. All that is not good about a reading is a
         *     verdict in the answer; a body that cannot be made out is refused whole.
         */
        post: operations["post_readings_api_readings_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/residuals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Residuals
         * @description Coverage, bias and spread of every sensor's readings around the twin's bands, over the last hours.
         */
        get: operations["get_residuals_api_residuals_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/scorecard": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Scorecard
         * @description The scores as they stand after the last cycle; empty as long as there are none.
         */
        get: operations["get_scorecard_api_scorecard_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/sensors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Sensors
         * @description All sensors, and when each was last heard.
         */
        get: operations["get_sensors_api_sensors_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/series": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Series
         * @description What a sensor measured beside what the twin held to be likely there; or the same for a quantity of an element.
         *
         *     Of a sensor the bands are of its reading, its own offset included; of an element, of the quantity itself. Readings with time
         *     in (from, to]; by default the last day.
         */
        get: operations["get_series_api_series_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Post Session
         * @description Signs in: the cookie that comes with the answer opens what the token opens, for half a day.
         */
        post: operations["post_session_api_session_post"];
        /**
         * Delete Session
         * @description Signs out.
         */
        delete: operations["delete_session_api_session_delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/state": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get State
         * @description The estimate of a quantity at all elements, at the end of the last cycle that ended at or before `at`.
         */
        get: operations["get_state_api_state_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Stream
         * @description Events `state`, `finding` and `health`. A browser that comes back sends `Last-Event-ID` and gets what it missed.
         */
        get: operations["get_stream_api_stream_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/timeline": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Timeline
         * @description Ends of the first and the last cycle that are kept, and how far the outlook reaches beyond.
         */
        get: operations["get_timeline_api_timeline_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/truth": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Truth
         * @description The events that have begun, each finding beside them, and how often such a finding has been right. Only in a demo.
         */
        get: operations["get_truth_api_truth_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/values": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Values
         * @description Median, low, high and the probability that the limit is broken, each a float32 for every node or link, in their order.
         *
         *     The headers say of what time they are (`Tweeling-End`), what was the last cycle when they were believed (`Tweeling-Made`),
         *     and whether they are `past`, `now` or `forecast` (`Tweeling-Kind`).
         */
        get: operations["get_values_api_values_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Health
         * @description Whether all is well, and if not why.
         */
        get: operations["get_health_health_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Metrics
         * @description The same as numbers, in the text format of Prometheus.
         */
        get: operations["get_metrics_metrics_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * AboutAnswer
         * @description What the twin is of, and what can be asked of it; none of it changes while the service runs.
         */
        AboutAnswer: {
            /** Cycle S */
            cycle_s: number;
            /**
             * Demo
             * @description Whether the readings are simulated.
             */
            demo: boolean;
            /** Interval S */
            interval_s: number;
            /**
             * Level
             * @description Probability inside the intervals.
             */
            level: number;
            /**
             * Limits
             * @description SI; a value below it breaks it.
             */
            limits: {
                [key: string]: number;
            };
            /** Members */
            members: number;
            /** Name */
            name: string;
            network: components["schemas"]["NetworkAbout"];
            /**
             * Quantities
             * @description Those that are kept of all elements.
             */
            quantities: string[];
            /** Units */
            units: {
                [key: string]: string;
            };
            /** Version */
            version: string;
        };
        /**
         * Acknowledgement
         * @description The readings are on disk: a power cut does not undo it.
         */
        Acknowledgement: {
            /**
             * Stored
             * @description How many were kept. Flagged ones are; duplicates were kept before.
             */
            stored: number;
            /**
             * Verdicts
             * @description Only of readings that are not good.
             */
            verdicts: components["schemas"]["Verdict"][];
        };
        /**
         * Backlog
         * @description Hours of readings, in their own time, that the twin has taken, of those that are there.
         */
        Backlog: {
            /** Done */
            done: number;
            /** Of */
            of: number;
        };
        /**
         * Band
         * @description An estimate at a time.
         */
        Band: {
            estimate: components["schemas"]["Estimate"];
            /** Time */
            time: string;
        };
        /**
         * Calibration
         * @description How often findings of some probability have been right, measured in many hidden towns.
         */
        Calibration: {
            /** Bins */
            bins: components["schemas"]["CalibrationBin"][];
            /**
             * Made
             * @description By what, and when.
             * @default
             */
            made: string;
            /** N */
            n: number;
        };
        /**
         * CalibrationBin
         * @description Findings whose probability lay in [from, to), and how many of them were right.
         */
        CalibrationBin: {
            /** From */
            from: number;
            /** N */
            n: number;
            /** Right */
            right: number;
            /** To */
            to: number;
        };
        /**
         * CandidateAnswer
         * @description An element where the cause may lie.
         */
        CandidateAnswer: {
            /** Element */
            element: string;
            /** Probability */
            probability: number;
        };
        /**
         * ClosedGap
         * @description A span of time without readings of a sensor.
         */
        ClosedGap: {
            /**
             * From
             * @description Time of the last reading before it.
             */
            from: string;
            /**
             * Missing
             * @description Readings that should have come in it; 0 when they only came late.
             */
            missing: number;
            /**
             * Noticed
             * @description When it was noticed, by the wall clock.
             */
            noticed: string;
            /** Sensor */
            sensor: string;
            /**
             * To
             * @description Time of the first reading after it.
             */
            to: string;
        };
        /**
         * ComparedFinding
         * @description A finding beside the truth; null is what cannot be told.
         */
        ComparedFinding: {
            /** Cause Right */
            cause_right: boolean | null;
            /**
             * Event
             * @description Place in `events` of the one that it is about.
             */
            event: number | null;
            /** Hours Late */
            hours_late: number | null;
            /** Id */
            id: string;
            /**
             * Metres
             * @description Along pipes, from its likeliest element to the true one.
             */
            metres: number | null;
            /**
             * Right
             * @description Cause and place.
             */
            right: boolean | null;
        };
        /**
         * Deed
         * @description What a person says about a finding.
         */
        Deed: {
            /**
             * Cause
             * @description What it turned out to be; nothing: a false alarm.
             * @default
             * @enum {string}
             */
            cause: "" | "leak" | "valve" | "sensor" | "tampering" | "demand" | "model" | "unknown" | "nothing";
            /**
             * Text
             * @default
             */
            text: string;
            /**
             * Who
             * @default
             */
            who: string;
        };
        /**
         * DeedAnswer
         * @description The action is on disk; the twin takes it with its next cycle.
         */
        DeedAnswer: {
            /** Finding */
            finding: string;
            /** Kind */
            kind: string;
            /** Sequence */
            sequence: number;
        };
        /**
         * DoorsHealth
         * @description Of the process that takes readings.
         */
        DoorsHealth: {
            /**
             * By Flag
             * @description Readings since the start, by flag.
             */
            by_flag: {
                [key: string]: number;
            };
            /** Last Sequence */
            last_sequence: number;
            /** Started */
            started: string;
        };
        /**
         * Estimate
         * @description An estimate of one number: median and central interval. All three are null where there is no number (no supply).
         */
        Estimate: {
            /** High */
            high: number | null;
            /**
             * Level
             * @description Probability inside the interval.
             */
            level: number;
            /** Low */
            low: number | null;
            /** Median */
            median: number | null;
            /** Unit */
            unit: string;
        };
        /**
         * EvidenceAnswer
         * @description One thing that speaks for a finding.
         */
        EvidenceAnswer: {
            /** Code */
            code: string;
            /** Sensor */
            sensor: string;
            /** Text */
            text: {
                [key: string]: string;
            };
            /**
             * Value
             * @description Measured numbers, probabilities and counts; or estimates.
             */
            value: {
                [key: string]: unknown;
            };
        };
        /**
         * Feature
         * @description A node or a link; its geometry is null where the file has no coordinates.
         */
        Feature: {
            geometry: components["schemas"]["Geometry"] | null;
            /** Id */
            id: string;
            properties: components["schemas"]["Properties"];
            /**
             * Type
             * @constant
             */
            type: "Feature";
        };
        /**
         * FindingAnswer
         * @description Something that the twin holds to be wrong.
         */
        FindingAnswer: {
            /** Action */
            action: string;
            /** Candidates */
            candidates: components["schemas"]["CandidateAnswer"][];
            /** Causes */
            causes: {
                [key: string]: number;
            };
            /** Closed */
            closed: string | null;
            /** Evidence */
            evidence: components["schemas"]["EvidenceAnswer"][];
            /** Id */
            id: string;
            /** Kind */
            kind: string;
            /** Notes */
            notes: string[];
            /** Probability */
            probability: number;
            /** Raised */
            raised: string;
            /**
             * Real Cause
             * @description What it turned out to be; empty where nobody has said.
             */
            real_cause: string;
            /** Revision */
            revision: number;
            /** Since */
            since: string;
            size: components["schemas"]["Estimate"] | null;
            /** Subject */
            subject: string;
            /** Verdict */
            verdict: string;
        };
        /**
         * FindingsAnswer
         * @description Findings in their last revision, in the order in which they were raised.
         */
        FindingsAnswer: {
            /** Findings */
            findings: components["schemas"]["FindingAnswer"][];
        };
        /**
         * GapsHealth
         * @description When sensors were silent, as far as the doors know since they were started.
         */
        GapsHealth: {
            /**
             * Closed
             * @description The last fifty, the latest first.
             */
            closed: components["schemas"]["ClosedGap"][];
            /**
             * Count
             * @description Of open gaps.
             */
            count: number;
            /**
             * Open
             * @description The first hundred, by sensor.
             */
            open: components["schemas"]["OpenGap"][];
        };
        /**
         * Geometry
         * @description GeoJSON, in the coordinates of the network's file.
         */
        Geometry: {
            /** Coordinates */
            coordinates: unknown[];
            /**
             * Type
             * @enum {string}
             */
            type: "Point" | "LineString";
        };
        /**
         * HealthAnswer
         * @description Whether all is well, and if not why.
         */
        HealthAnswer: {
            /** @description How far the twin is; null while it keeps up with its sensors. */
            catching_up: components["schemas"]["Backlog"] | null;
            doors: components["schemas"]["DoorsHealth"];
            gaps: components["schemas"]["GapsHealth"];
            /**
             * Inputs
             * @description Doors that connect to somewhere else; HTTP is not among them.
             */
            inputs: components["schemas"]["InputHealth"][];
            /** Name */
            name: string;
            sensors: components["schemas"]["SensorHealth"];
            /**
             * Status
             * @enum {string}
             */
            status: "ok" | "degraded";
            twin: components["schemas"]["TwinHealth"];
            /** Why */
            why: string[];
        };
        /**
         * IdsAnswer
         * @description Ids in the network's order, in which geometry and values come.
         */
        IdsAnswer: {
            /** Links */
            links: string[];
            /** Nodes */
            nodes: string[];
        };
        /**
         * InputHealth
         * @description A door that connects to somewhere else, such as a broker; counts are since the doors were started.
         */
        InputHealth: {
            /**
             * Client
             * @description Under which the broker keeps what was not taken.
             */
            client: string;
            /** Connected */
            connected: boolean;
            /** Kind */
            kind: string;
            /**
             * Last Message
             * @description When the last one came, by the wall clock.
             */
            last_message: string | null;
            /**
             * Not Kept
             * @description Readings without a sensor or a time, in messages that could be made out.
             */
            not_kept: number;
            /**
             * Readings
             * @description That were kept, without duplicates.
             */
            readings: number;
            /**
             * Received
             * @description Messages, those included that came again.
             */
            received: number;
            /**
             * Refused
             * @description Messages that the store did not take; they come again.
             */
            refused: number;
            /**
             * Since
             * @description When it was connected, or lost, by the wall clock.
             */
            since: string;
            /** Topic */
            topic: string;
            /**
             * Undecodable
             * @description Messages that could not be made out: acknowledged and logged.
             */
            undecodable: number;
            /**
             * Url
             * @description Without password.
             */
            url: string;
            /**
             * Waiting
             * @description Messages that wait for the disk.
             */
            waiting: number;
            /**
             * Why
             * @description When it is not connected: the reason.
             */
            why: string;
        };
        /**
         * Measured
         * @description A reading, in SI.
         */
        Measured: {
            /** Flag */
            flag: string;
            /** Sensor */
            sensor: string;
            /** Time */
            time: string;
            /** Value */
            value: number | null;
        };
        /**
         * NetworkAbout
         * @description The size of the network, and a hash that changes when it does.
         */
        NetworkAbout: {
            /** Hash */
            hash: string;
            /** Links */
            links: number;
            /** Nodes */
            nodes: number;
            /**
             * Placed
             * @description Whether its nodes have coordinates.
             */
            placed: boolean;
        };
        /**
         * NetworkAnswer
         * @description GeoJSON.
         */
        NetworkAnswer: {
            /** Features */
            features: components["schemas"]["Feature"][];
            /**
             * Type
             * @constant
             */
            type: "FeatureCollection";
        };
        /**
         * OpenGap
         * @description A sensor that was heard and fell silent.
         */
        OpenGap: {
            /**
             * From
             * @description Time of its last reading.
             */
            from: string;
            /**
             * Noticed
             * @description When it was noticed, by the wall clock.
             */
            noticed: string;
            /** Sensor */
            sensor: string;
        };
        /**
         * Problem
         * @description Why a request was refused, and what to try.
         */
        Problem: {
            /** Error */
            error: string;
        };
        /**
         * Properties
         * @description Of a node or a link.
         */
        Properties: {
            /** End */
            end?: string | null;
            /** Kind */
            kind: string;
            /** Start */
            start?: string | null;
            /** Tag */
            tag?: string | null;
        };
        /**
         * Residual
         * @description How a sensor's readings lay in the twin's bands.
         */
        Residual: {
            /**
             * Bias
             * @description Mean of reading minus median.
             */
            bias: number | null;
            /**
             * Coverage
             * @description Share of the readings inside the band.
             */
            coverage: number | null;
            /** Element */
            element: string;
            /**
             * Half Width
             * @description Mean half width of the band.
             */
            half_width: number | null;
            /** N */
            n: number;
            /** Quantity */
            quantity: string;
            /** Rmse */
            rmse: number | null;
            /** Sensor */
            sensor: string;
            /** Unit */
            unit: string;
            /**
             * Withheld
             * @description Never assimilated: the honest measure.
             */
            withheld: boolean;
        };
        /**
         * ResidualsAnswer
         * @description How all sensors' readings lay in the twin's bands.
         */
        ResidualsAnswer: {
            /** From */
            from: string;
            /** Sensors */
            sensors: components["schemas"]["Residual"][];
            /** To */
            to: string;
        };
        /**
         * ScorecardAnswer
         * @description How well the twin does, by its own withheld sensors.
         */
        ScorecardAnswer: {
            /** At */
            at: string | null;
            /** Scores */
            scores: {
                [key: string]: unknown;
            };
        };
        /**
         * SensorAnswer
         * @description A sensor, and when it was last heard.
         */
        SensorAnswer: {
            /**
             * Behind S
             * @description How far its latest reading is behind that of half of the sensors.
             */
            behind_s: number | null;
            /** Element */
            element: string;
            /**
             * Last Heard
             * @description When that came, by the wall clock.
             */
            last_heard: string | null;
            /**
             * Last Time
             * @description Time of its latest reading.
             */
            last_time: string | null;
            /** Quantity */
            quantity: string;
            /** Sensor */
            sensor: string;
            /** Stale */
            stale: boolean;
            /**
             * Std
             * @description Of the instrument, in `unit`.
             */
            std: number;
            /** Unit */
            unit: string;
            /** Withheld */
            withheld: boolean;
        };
        /**
         * SensorHealth
         * @description Of all sensors.
         */
        SensorHealth: {
            /** Count */
            count: number;
            /**
             * Last Time
             * @description Where half of the sensors are.
             */
            last_time: string | null;
            /** Stale */
            stale: string[];
        };
        /**
         * SensorsAnswer
         * @description All sensors of the twin.
         */
        SensorsAnswer: {
            /** Sensors */
            sensors: components["schemas"]["SensorAnswer"][];
        };
        /**
         * SeriesAnswer
         * @description Measurements, and the bands of what was to be expected beside them.
         */
        SeriesAnswer: {
            /** Bands */
            bands: components["schemas"]["Band"][];
            /** Element */
            element: string;
            /**
             * Forecast
             * @description After the last cycle, as far as the newest outlook reaches.
             */
            forecast: components["schemas"]["Band"][];
            /**
             * Forecast Made
             * @description End of the cycle that the outlook starts from.
             */
            forecast_made: string | null;
            /** Measured */
            measured: components["schemas"]["Measured"][];
            /** Quantity */
            quantity: string;
            /** Sensor */
            sensor: string | null;
            /** Unit */
            unit: string;
        };
        /**
         * SessionAnswer
         * @description A cookie came with it.
         */
        SessionAnswer: {
            /** Until */
            until: string;
        };
        /**
         * SessionRequest
         * @description What a person types to sign in.
         */
        SessionRequest: {
            /** Token */
            token: string;
        };
        /**
         * StateAnswer
         * @description The twin's estimate of one quantity at one moment.
         */
        StateAnswer: {
            /**
             * At
             * @description The time that was asked for.
             */
            at: string;
            /**
             * Cycle End
             * @description End of the cycle that this is the state after.
             */
            cycle_end: string;
            /** Elements */
            elements: {
                [key: string]: components["schemas"]["Estimate"];
            };
            /** Quantity */
            quantity: string;
        };
        /**
         * TimelineAnswer
         * @description From when to when there are estimates.
         */
        TimelineAnswer: {
            /** Cycle S */
            cycle_s: number;
            /** First */
            first: string | null;
            /** Forecast Made */
            forecast_made: string | null;
            /** Forecast Until */
            forecast_until: string | null;
            /**
             * Last
             * @description End of the last cycle.
             */
            last: string | null;
        };
        /**
         * TrueEvent
         * @description Something that happened to the hidden town of a demo.
         */
        TrueEvent: {
            /** At */
            at: string;
            /**
             * Cause
             * @description What a finding about it should call it.
             */
            cause: string;
            /** Element */
            element: string | null;
            /** Kind */
            kind: string;
            /** Sensor */
            sensor: string | null;
            size: components["schemas"]["TrueSize"] | null;
            /** Subject */
            subject: string;
            /**
             * Until
             * @description Null while it lasts.
             */
            until: string | null;
        };
        /**
         * TrueSize
         * @description How large an event was made; no estimate.
         */
        TrueSize: {
            /**
             * Unit
             * @description Empty for a factor, or where it is the unit of what the event is about.
             */
            unit: string;
            /** Value */
            value: number;
        };
        /**
         * TruthAnswer
         * @description What has really happened so far, and how the findings compare.
         */
        TruthAnswer: {
            /** @description Null while nothing was measured. */
            calibration: components["schemas"]["Calibration"] | null;
            /**
             * Ended
             * @description Whether nothing new is to come.
             */
            ended: boolean;
            /** Events */
            events: components["schemas"]["TrueEvent"][];
            /** Findings */
            findings: components["schemas"]["ComparedFinding"][];
        };
        /**
         * TwinHealth
         * @description Of the process that runs the cycles.
         */
        TwinHealth: {
            /** Alive */
            alive: boolean;
            /** Cycles */
            cycles: number;
            /**
             * Figures
             * @description What the last cycle says of itself.
             */
            figures: {
                [key: string]: unknown;
            };
            /**
             * Last End
             * @description End of the last cycle, in the time of the readings.
             */
            last_end: string | null;
            /**
             * Saved
             * @description When it was saved, by the wall clock.
             */
            saved: string | null;
            /** Seconds Per Cycle */
            seconds_per_cycle: number | null;
        };
        /**
         * Verdict
         * @description What is not good about one reading of a request.
         */
        Verdict: {
            /** Flag */
            flag: string;
            /**
             * Index
             * @description Place in the request, from 0.
             */
            index: number;
            /** Why */
            why: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    get_about_api_about_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AboutAnswer"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_findings_api_findings_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FindingsAnswer"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_action_api_findings__name___kind__post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
                kind: "confirm" | "reject" | "note" | "close";
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Deed"] | null;
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeedAnswer"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_geometry_api_geometry_get: {
        parameters: {
            query?: never;
            header?: {
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_ids_api_ids_get: {
        parameters: {
            query?: never;
            header?: {
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IdsAnswer"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_network_api_network_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NetworkAnswer"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_readings_api_readings_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    quality?: string;
                    sensor: string;
                    /** Format: date-time */
                    time: string;
                    unit?: string;
                    value?: number | null;
                }[];
                "application/vnd.apache.arrow.stream": string;
                "application/vnd.apache.parquet": string;
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Acknowledgement"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_residuals_api_residuals_get: {
        parameters: {
            query?: {
                /** @description How far back. */
                hours?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ResidualsAnswer"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_scorecard_api_scorecard_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ScorecardAnswer"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_sensors_api_sensors_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SensorsAnswer"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_series_api_series_get: {
        parameters: {
            query?: {
                quantity?: string | null;
                sensor?: string | null;
                element?: string | null;
                from?: string | null;
                to?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SeriesAnswer"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_session_api_session_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SessionRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionAnswer"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_session_api_session_delete: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_state_api_state_get: {
        parameters: {
            query?: {
                quantity?: string;
                /** @description The state at this time; by default the last one. */
                at?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StateAnswer"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_stream_api_stream_get: {
        parameters: {
            query?: never;
            header?: {
                "last-event-id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_timeline_api_timeline_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TimelineAnswer"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_truth_api_truth_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TruthAnswer"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_values_api_values_get: {
        parameters: {
            query?: {
                quantity?: string;
                /** @description By default the last cycle; later: the outlook. */
                at?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_health_health_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthAnswer"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_metrics_metrics_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
        };
    };
}
