Feature: An employee with an active approval on the patient reads all of the patient's data

  Background:
    Given I am employee "doctor" of my legal entity

  Scenario Outline: all that the rule lists
    Given patient "P" approved read of patient "P" to employee "doctor"
    When I ask to read every <type> in patient "P"
    Then it is permitted by rule_4

    Examples:
      | type |
      | episode |
      | encounter |
      | observation |
      | condition |
      | service_request |
      | diagnostic_report |
      | procedure |
      | medication_administration |
      | care_plan |
      | activity |
      | approval |
      | clinical_impression |
      | medication_request_request |
      | medication_request |
      | medication_dispense |
      | device_request |
      | device_dispense |
      | device_association |
      | detected_issue |

  Scenario: it suffices for an episode
    Given patient "P" approved read of patient "P" to employee "doctor"
    When I ask to read episode "E" in patient "P"
    Then it is permitted by rule_4

  Scenario: it suffices for what is in an episode
    Given patient "P" approved read of patient "P" to employee "doctor"
    And episode "E" of patient "P" with managing_organization "another clinic"
    When I ask to read every observation in patient "P" in episode "E"
    Then it is permitted by rule_4

  Scenario: an approval to write lets read
    Given patient "P" approved write of patient "P" to employee "doctor"
    When I ask to read encounter "R" in patient "P"
    Then it is permitted by rule_4

  Scenario: granted to their legal entity
    Given patient "P" approved read of patient "P" to my legal entity
    When I ask to read encounter "R" in patient "P"
    Then it is permitted by rule_4

  Scenario: of a person merged with the patient
    Given patient "Q" approved read of patient "Q" to employee "doctor"
    And person "Q" is merged with patient "P"
    When I ask to read encounter "R" in patient "P"
    Then it is permitted by rule_4

  Scenario: until just before it ends
    Given patient "P" approved read of patient "P" to employee "doctor" that ends in a second
    When I ask to read encounter "R" in patient "P"
    Then it is permitted by rule_4

  Scenario: not at the instant of its end
    Given patient "P" approved read of patient "P" to employee "doctor" that ends now
    When I ask to read encounter "R" in patient "P"
    Then it is refused as no_rule_matched

  Scenario Outline: an approval that is not active
    Given patient "P" approved read of patient "P" to employee "doctor"
    And the approval is <status>
    When I ask to read encounter "R" in patient "P"
    Then it is refused as no_rule_matched

    Examples:
      | status |
      | new |
      | expired |
      | terminated |

  Scenario: not granted to a colleague
    Given patient "P" approved read of patient "P" to employee "colleague"
    When I ask to read encounter "R" in patient "P"
    Then it is refused as no_rule_matched

  Scenario: not of another patient
    Given patient "P" approved read of patient "P" to employee "doctor"
    When I ask to read encounter "R" in patient "Q"
    Then it is refused as no_rule_matched

  Scenario: reading alone
    Given patient "P" approved write of patient "P" to employee "doctor"
    When I ask to write encounter "R" in patient "P"
    Then it is refused as no_rule_matched
